#include <stddef.h>
static char buf[100000];static char*w[20000];
static int cmp(const char*a,const char*b){while(*a&&*a==*b){a++;b++;}return (unsigned char)*a-(unsigned char)*b;}
static size_t len(const char*s){size_t n=0;while(s[n])n++;return n;}
long long run(void){unsigned s=3;int p=0,n=0;while(p<99980&&n<15000){w[n++]=buf+p;s=s*1664525+1013904223;int l=1+(s>>28)%8;for(int i=0;i<l;i++){s=s*1664525+1013904223;buf[p++]='a'+(s>>24)%6;}buf[p++]=0;}
long long h=0;for(int i=1;i<n;i++){h+=cmp(w[i-1],w[i]);h=h*31+len(w[i]);}
for(int gap=n/2;gap>0;gap/=2)for(int i=gap;i<n;i++){char*t=w[i];int j=i;for(;j>=gap&&cmp(w[j-gap],t)>0;j-=gap)w[j]=w[j-gap];w[j]=t;}
for(int i=0;i<n;i++)h=h*31+w[i][0];return h;}
